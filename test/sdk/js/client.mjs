// Calls AWS Marketplace Metering and its Entitlement Service through the AWS SDK for JavaScript, for the tests in test/sdk.
//
// Speaks lines of JSON. It begins with {"version"}; then each line in, {"env", "calls", "concurrent", "protocol"}, is answered by one
// line out, {"results"}. env is the AWS environment of the calls, all of it but the endpoints, which this process was started with. The
// calls of a line, {"service", "operation", "input", "pages"}, go through one new client of each service; protocol "cbor" has them speak it.
//
// In inputs, {"$time": "2026-11-23T18:00:00.123Z"} stands for what a JavaScript program has for a time, a Date, and {"$epoch": 1} for the
// number. Times in results are text of that form. With pages, the SDK's paginator is run to its end, with MaxResults as its page size.
// The operation "verify" is none of AWS's: it checks a JWT of RegisterUsage with Node.js's own crypto.

import { createPublicKey, constants, verify } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { SmithyRpcV2CborProtocol } from "@smithy/core/cbor";
import * as entitlement from "@aws-sdk/client-marketplace-entitlement-service";
import * as metering from "@aws-sdk/client-marketplace-metering";

const services = {
  metering: { sdk: metering, Client: metering.MarketplaceMeteringClient },
  entitlement: { sdk: entitlement, Client: entitlement.MarketplaceEntitlementServiceClient },
};

// natural is the input as a program would have written it.
function natural(value) {
  if (Array.isArray(value)) return value.map(natural);
  if (value === null || typeof value !== "object") return value;
  if ("$time" in value) return new Date(value.$time);
  if ("$epoch" in value) return value.$epoch;
  return Object.fromEntries(Object.entries(value).map(([name, v]) => [name, natural(v)]));
}

async function perform(clients, { service, operation, input, pages }) {
  const { sdk } = services[service];
  try {
    if (operation === "verify") {
      return { ok: true, output: verifyJWT(input) };
    }
    const parameters = natural(input);
    if (pages) {
      return { ok: true, output: await allPages(clients[service], sdk[`paginate${operation}`], parameters) };
    }
    const { $metadata: meta, ...output } = await clients[service].send(new sdk[`${operation}Command`](parameters));
    return { ok: true, attempts: meta.attempts, request_id: meta.requestId, output };
  } catch (e) {
    const meta = e.$metadata ?? {};
    return {
      ok: false,
      attempts: meta.attempts,
      error: { code: e.name, message: e.message, type: caughtAs(sdk, e), status: meta.httpStatusCode, request_id: meta.requestId },
    };
  }
}

async function allPages(client, paginate, { MaxResults: pageSize, ...input }) {
  const merged = {};
  for await (const page of paginate({ client, pageSize }, input)) {
    for (const [name, items] of Object.entries(page)) {
      if (Array.isArray(items)) (merged[name] ??= []).push(...items);
    }
  }
  return merged;
}

// caughtAs is the class by which a program would tell the error with instanceof.
function caughtAs(sdk, e) {
  const name = e.constructor.name;
  return name in sdk && e instanceof sdk[name] ? name : `not of the SDK: ${name}`;
}

function verifyJWT({ signature: jwt, jwks }) {
  const [header, payload, signature] = jwt.split(".");
  const decode = (part) => JSON.parse(Buffer.from(part, "base64url"));
  const content = decode(payload);
  const jwk = jwks.keys.find((k) => k.kid === String(content.PublicKeyVersion));
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const valid = verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"));
  return { valid, header: decode(header), payload: content };
}

async function answer({ env, calls, concurrent, protocol }) {
  Object.assign(process.env, env);
  const config = protocol === "cbor" ? { protocol: SmithyRpcV2CborProtocol } : {};
  const clients = Object.fromEntries([...new Set(calls.map((c) => c.service))].map((s) => [s, new services[s].Client(config)]));
  try {
    if (concurrent) {
      return { results: await Promise.all(calls.map((c) => perform(clients, c))) };
    }
    const results = [];
    for (const c of calls) {
      results.push(await perform(clients, c));
    }
    return { results };
  } finally {
    for (const client of Object.values(clients)) {
      client.destroy();
    }
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
