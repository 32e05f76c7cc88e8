#!/bin/bash
# User data of an Amazon Linux 2023 instance that runs one runner. Replace the words in capitals. The token is a single-use one, stored
# before as a SecureString: user data can be read by every process on the instance, so it is no place for a token.
set -euo pipefail

REGION=REGION
IMAGE=REGISTRY/planton-runner:VERSION
SERVER=https://PLANTON.EXAMPLE.COM
TOKEN_PARAMETER=/planton/runner-token

dnf install -y docker
systemctl enable --now docker

install -d -m 0700 /etc/planton
umask 077
# A token that is gone is no failure: the credentials are kept in /var/lib/planton after the first start.
TOKEN=$(aws ssm get-parameter --region "$REGION" --name "$TOKEN_PARAMETER" --with-decryption \
  --query Parameter.Value --output text || true)
cat > /etc/planton/runner.env <<SETTINGS
PLANTON_SERVER=$SERVER
PLANTON_RUNNER_TOKEN=$TOKEN
PLANTON_HEALTH_LISTEN=127.0.0.1:8081
SETTINGS
echo "PLANTON_RUNNER_IMAGE=$IMAGE" > /etc/planton/image.env

umask 022
cat > /etc/systemd/system/planton-runner.service <<'UNIT'
[Unit]
Description=Planton runner
Wants=network-online.target
After=network-online.target docker.service
Requires=docker.service

[Service]
EnvironmentFile=/etc/planton/image.env
ExecStartPre=/usr/bin/install -d -o 1000 -g 1000 -m 0700 /var/lib/planton
ExecStart=/usr/bin/docker run --rm --name planton-runner \
  --network host \
  --read-only --cap-drop ALL --security-opt no-new-privileges \
  --memory 256m --pids-limit 128 \
  --env-file /etc/planton/runner.env \
  --volume /var/lib/planton:/var/lib/planton \
  ${PLANTON_RUNNER_IMAGE}
ExecStop=/usr/bin/docker stop --time 35 planton-runner
TimeoutStopSec=45
Restart=always
RestartSec=10
# Revoked or locked (4), or used by another process (5): starting again is of no use until someone acts.
RestartPreventExitStatus=4 5

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --now planton-runner
