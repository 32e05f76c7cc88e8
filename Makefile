# Every target sets up what it needs: Node.js 20 or newer and npm are enough.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
READY := node_modules/.installed

.PHONY: demo up test bench gen install

demo: $(READY) ## the main job end to end, offline, in a temporary folder
	node test/tutorial/src/demo.ts

up: $(READY) ## start the server and leave it running
	node scripts/up.ts

test: $(READY) ## everything that has to hold
	node scripts/install-chromium.ts
	npm run --silent check
	npm run --silent test

bench: $(READY) ## ratios against the bare library, on PostgreSQL
	npm run --silent bench

gen: $(READY) ## libs/api from proto/
	npm run --silent gen

install: $(READY) ## link the command line into ~/.local/bin
	mkdir -p $(HOME)/.local/bin && ln -sf $(CURDIR)/bin/planton $(HOME)/.local/bin/planton

$(READY): package-lock.json
	npm install --no-audit --no-fund --loglevel=error
	touch $@
