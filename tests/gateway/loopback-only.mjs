// Preloaded into the gateway, which has no option for the address and would listen on all interfaces.
// Every listen() goes to 127.0.0.1, and says where on stderr, so that a test can ask for port 0 and need not poll.
import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const [first, second] = args;
  if (first && typeof first === 'object' && 'port' in first) {
    args[0] = { ...first, host: '127.0.0.1' };
  } else if (typeof first === 'number' || /^\d+$/.test(first)) {
    args.splice(1, typeof second === 'string' || second === undefined ? 1 : 0, '127.0.0.1');
  }
  this.once('listening', () => {
    const { address, port } = this.address();
    process.stderr.write(`LISTENING ${address}:${port}\n`);
  });
  this.once('error', (error) => {
    process.stderr.write(`LISTEN_ERROR ${error.code}\n`);
    process.exit(98);
  });
  return listen.apply(this, args);
};

// The test that started it holds the other end of stdin: when that test is gone, however it ended, so is the gateway.
process.stdin.on('end', () => process.exit(0)).resume();
