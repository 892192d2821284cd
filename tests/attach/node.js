// A Node server whose handler blocks its loop: at `go` it runs a child synchronously, and waits in epoll as when it is
// idle, but for the child alone; at `cpu` it computes for as long.
const net = require("net");
const { execSync } = require("child_process");

function runReport() {
  execSync("sleep 1.5");
}

function computeReport() {
  const end = Date.now() + 1500;
  let sum = 0;
  while (Date.now() < end) sum += Math.sqrt(sum);
  return sum;
}

net
  .createServer((client) => {
    client.on("data", (data) => {
      if (data.toString() === "go\n") runReport();
      if (data.toString() === "cpu\n") computeReport();
      client.write(data);
    });
    client.on("error", () => {});
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
