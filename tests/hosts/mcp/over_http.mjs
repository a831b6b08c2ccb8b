// An agent in another language: `node over_http.mjs SDK URL TOKEN TOOL ARGUMENTS`, run where the SDK is installed.
// Calls a tool over streamable HTTP, says yes to every question, and prints what it was asked and given as JSON.
import { pathToFileURL } from "node:url";

const [sdk, url, token, name, given] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(`${sdk}/${file}`));
const { Client } = await load("client/index.js");
const { StreamableHTTPClientTransport } = await load("client/streamableHttp.js");
const { ElicitRequestSchema } = await load("types.js");

const questions = [];
const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
  questions.push(params.message);
  return { action: "accept", content: {} };
});
const headers = { Authorization: `Bearer ${token}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
const { tools } = await client.listTools();
const result = await client.callTool({ name, arguments: JSON.parse(given) });
console.log(JSON.stringify({ tools: tools.length, questions, result }));
await client.close();
