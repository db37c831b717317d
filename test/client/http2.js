// A server that speaks HTTP/2 and 1.1 over TLS: node http2.js CERTIFICATE KEY COMMAND...
//
// Runs the command with one more argument, its URL, and ends with its status.  Answers have the form of CloudWatch Logs'
// DescribeLogGroups; their one name is the version of HTTP.
const { readFileSync } = require("fs");
const { spawn } = require("child_process");
const http2 = require("http2");

const [certificate, key, command, ...rest] = process.argv.slice(2);
const server = http2.createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true });

server.on("request", (request, response) => {
    request.resume();
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.end(JSON.stringify({ logGroups: [{ logGroupName: request.httpVersion }] }));
});
server.listen(0, "127.0.0.1", () => {
    const child = spawn(command, [...rest, `https://127.0.0.1:${server.address().port}`], { stdio: "inherit" });
    child.on("exit", (status) => process.exit(status ?? 1));
});
