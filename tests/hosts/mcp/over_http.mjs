// An agent in another language: `node over_http.mjs SDK URL TOKEN MODE TOOL ARGUMENTS`, run where the SDK is installed.
// Calls a tool over streamable HTTP, answers every question with yes, and prints questions and result as JSON.
import { pathToFileURL } from "node:url";

const [sdk, url, token, mode, name, inputs] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport } = await import(pathToFileURL(sdk));

const questions = [];
const versionNegotiation = { mode: mode === "legacy" ? mode : { pin: mode } };
const client = new Client(
  { name: "test", version: "1" },
  { capabilities: { elicitation: {} }, versionNegotiation },
);
client.setRequestHandler("elicitation/create", ({ params }) => {
  questions.push(params.message);
  return { action: "accept", content: {} };
});
const headers = { Authorization: `Bearer ${token}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
const { tools } = await client.listTools();
const result = await client.callTool({ name, arguments: JSON.parse(inputs) });
console.log(JSON.stringify({ tools: tools.length, questions, result }));
await client.close();
