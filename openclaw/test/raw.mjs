/** Stands in for a gateway whose answers are written byte by byte. */
import { once } from 'node:events';
import net from 'node:net';

/** @typedef {(head: string, socket: net.Socket) => unknown} Answer what a request gets, by its head */

/** @param {Answer} answer @returns {Promise<{ server: net.Server, origin: string }>} */
export async function rawServer(answer) {
  const server = net.createServer((socket) => {
    let came = '';
    socket.setNoDelay(true).on('error', () => {}).setEncoding('latin1').on('data', (piece) => {
      came += piece;
      for (;;) {
        const end = came.indexOf('\r\n\r\n') + 4;
        const length = Number(/content-length: (\d+)/i.exec(came)?.[1] ?? 0);
        if (end < 4 || came.length < end + length) return;
        const head = came.slice(0, end);
        came = came.slice(end + length);
        answer(head, socket);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, origin: `http://127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}` };
}
