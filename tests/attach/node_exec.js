// A Node server whose handler runs a child synchronously: it waits in epoll, as when it is idle, but for the child alone.
const net = require("net");
const { execSync } = require("child_process");

function runReport() {
  execSync("sleep 1.5");
}

net
  .createServer((client) => {
    client.on("data", (data) => {
      if (data.toString() === "go\n") runReport();
      client.write(data);
    });
    client.on("error", () => {});
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
