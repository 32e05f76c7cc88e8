/** What a function of the template may have of inline code, in characters. */
export const LONGEST_INLINE_CODE = 4096;

/** The code of the function that calls back: a CommonJS `index.js` without dependencies, for whoever reviews the stack to read. */
export const CALLBACK_CODE = `'use strict';
// Tells Planton Connect that this stack is complete. Whatever happens, CloudFormation is answered
// SUCCESS in time: this function cannot fail the stack, hold it up or roll it back.
// The token and the URLs are never logged.
const { setTimeout: pause } = require('node:timers/promises');

const PAUSES = [0, 1000, 2000, 4000]; // before each try, in milliseconds
const LONGEST_TRY = 5000;

// Sends until the outcome is final, or the tries or the time are used up. Returns the last outcome.
async function send(url, options, until, describe) {
  let outcome = 'no time left';
  for (const ms of PAUSES) {
    const left = until - Date.now() - ms;
    if (left <= 0) break;
    await pause(ms);
    try {
      const signal = AbortSignal.timeout(Math.ceil(Math.min(LONGEST_TRY, left)));
      const response = await fetch(url, { ...options, redirect: 'error', signal });
      const { text, final } = describe(response.status, await readStart(response));
      outcome = text;
      if (final) break;
    } catch (error) {
      outcome = error?.cause?.code ?? error?.name ?? 'failed';
    }
  }
  return outcome;
}

// Reads no more of an answer than is needed to know it.
async function readStart(response) {
  let start = '';
  try {
    for await (const chunk of response.body ?? []) {
      start += Buffer.from(chunk);
      if (start.length > 500) break;
    }
  } catch {} // The status is known all the same.
  return start;
}

function tellPlatform(event, until) {
  const { Url, Body } = event.ResourceProperties;
  const options = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Body),
  };
  return send(Url, options, until, (status, start) => {
    const heard = status === 200 && /"status":\\s*"accepted"/.test(start);
    const refused = status >= 400 && status < 500 && status !== 429;
    return { text: heard ? 'heard' : 'not heard: ' + status, final: heard || refused };
  });
}

async function answerCloudFormation(event, callback, until) {
  const body = JSON.stringify({
    Status: 'SUCCESS',
    Reason: 'Callback ' + callback,
    PhysicalResourceId: event.PhysicalResourceId || event.StackId + '/' + event.LogicalResourceId,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
  });
  // The URL is signed for an empty content type.
  const options = { method: 'PUT', headers: { 'content-type': '' }, body };
  const outcome = await send(event.ResponseURL, options, until, (status) => ({
    text: 'status ' + status,
    final: status >= 200 && status < 300,
  }));
  // Lambda then runs the function again.
  if (!/^status 2/.test(outcome)) throw new Error('CloudFormation was not answered: ' + outcome);
}

exports.handler = async (event, context) => {
  const left = (context?.getRemainingTimeInMillis?.() ?? 60000) * 0.9;
  const end = Date.now() + left;
  const half = Date.now() + left / 2; // the rest is for the answer
  let callback = 'not needed';
  if (event.RequestType === 'Create' || event.RequestType === 'Update') {
    try {
      const guard = pause(left / 2, 'no time left', { ref: false });
      callback = await Promise.race([tellPlatform(event, half), guard]);
    } catch (error) {
      callback = 'not possible: ' + error?.name;
    }
  }
  console.log('Callback ' + callback);
  await answerCloudFormation(event, callback, end);
};
`;
