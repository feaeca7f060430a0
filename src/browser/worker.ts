/** The Worker's entry: waits for the page's two ports and hosts the server on them. */

import type { Greeting } from './workerMessages.ts';
import { WorkerHost } from './workerHost.ts';

globalThis.addEventListener(
  'message',
  ({ data }: MessageEvent<Greeting>) => {
    new WorkerHost(data.control, data.pipes);
  },
  { once: true },
);
