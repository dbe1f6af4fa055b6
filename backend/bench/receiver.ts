import { createServer } from 'node:http';

/** A receiver that takes everything at once; posts to /hang are never answered. */
createServer((req, res) => {
  req.resume();
  req.on('end', () => {
    if (req.url !== '/hang') res.writeHead(204).end();
  });
}).listen(Number(process.env['PORT']), '127.0.0.1');
