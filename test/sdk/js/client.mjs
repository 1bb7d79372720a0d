// Calls ResolveCustomer through the AWS SDK for JavaScript, for the tests in test/sdk.
//
// Speaks lines of JSON. It begins with {"version"}; then each line in, {"env", "tokens", "concurrent"}, is answered by one line
// out, {"results"}. env is the AWS environment of the call, all of it but the endpoint, which this process was started with.
// The tokens of a line go through one new client; null stands for no token at all.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import * as sdk from "@aws-sdk/client-marketplace-metering";

async function resolve(client, token) {
  try {
    const { $metadata: meta, ...output } = await client.send(
      new sdk.ResolveCustomerCommand(token === null ? {} : { RegistrationToken: token }),
    );
    return { ok: true, attempts: meta.attempts, request_id: meta.requestId, output };
  } catch (e) {
    const meta = e.$metadata ?? {};
    return {
      ok: false,
      attempts: meta.attempts,
      error: { code: e.name, message: e.message, type: caughtAs(e), status: meta.httpStatusCode, request_id: meta.requestId },
    };
  }
}

// caughtAs is the class by which a program would tell the error with instanceof.
function caughtAs(e) {
  const name = e.constructor.name;
  return name in sdk && e instanceof sdk[name] ? name : `not of the SDK: ${name}`;
}

async function answer({ env, tokens, concurrent }) {
  Object.assign(process.env, env);
  const client = new sdk.MarketplaceMeteringClient();
  try {
    if (concurrent) {
      return { results: await Promise.all(tokens.map((t) => resolve(client, t))) };
    }
    const results = [];
    for (const t of tokens) {
      results.push(await resolve(client, t));
    }
    return { results };
  } finally {
    client.destroy();
    for (const name in env) {
      delete process.env[name];
    }
  }
}

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const { version } = createRequire(import.meta.url)("@aws-sdk/client-marketplace-metering/package.json");
say({ version: `AWS SDK for JavaScript ${version} (Node.js ${process.versions.node})` });
for await (const line of createInterface({ input: process.stdin })) {
  say(await answer(JSON.parse(line)));
}
