/** How many connections one address may have at the client port, told by both kinds in the same way. */

import { expect, onTestFinished, test } from 'vitest';
import { toBytes } from '../../src/wire/jute.ts';
import { writeConnectRequest } from '../../src/wire/connectRecords.ts';
import { sessionId, zxid } from '../../src/wire/ids.ts';
import { RawConnection } from './differential/rawConnection.ts';
import { mixedEnsemble } from './frame/ensemble.ts';
import { until } from './frame/patience.ts';
import type { Kind } from './frame/serverProcess.ts';

const LIMIT = 3;
const KINDS: readonly Kind[] = ['apache', 'tabkeeper'];

const GREETING = toBytes((writer) => {
  writer.int(0);
  writeConnectRequest(writer, {
    protocolVersion: 0,
    lastZxidSeen: zxid(0n),
    timeOut: 60_000,
    sessionId: sessionId(0n),
    passwd: new Uint8Array(16),
    readOnly: false,
  });
  writer.patchInt(0, writer.length - 4);
});

/** A connection that asked for a session, and what came of it. */
async function guest(address: string): Promise<{ connection: RawConnection; end: string }> {
  const connection = new RawConnection(address);
  onTestFinished(() => connection.hangUp());
  connection.send(GREETING);
  return { connection, end: await connection.until(() => true) };
}

test.for(KINDS)(
  'maxClientCnxns: %s hangs up on one too many, and takes the next when one has gone',
  async (kind) => {
    const ensemble = await mixedEnsemble({ 1: kind }, { config: [`maxClientCnxns=${LIMIT}`] });
    const server = ensemble.server(1);
    await until('it serves', async () => (await server.mode()) === 'standalone');
    // The connections that asked whether it serves are gone for us before they are for the server.
    const inside: RawConnection[] = [];
    await until('all places are taken', async () => {
      const { connection, end } = await guest(server.clientAddress);
      if (end === 'answer') inside.push(connection);
      else connection.hangUp();
      return inside.length === LIMIT;
    });
    for (let count = 0; count < LIMIT; count++) {
      expect((await guest(server.clientAddress)).end).toBe('closed');
    }
    expect(inside.map(({ isClosed }) => isClosed)).toEqual(inside.map(() => false));
    inside[0]?.hangUp();
    await until('there is a place again', async () => {
      const { connection, end } = await guest(server.clientAddress);
      if (end !== 'answer') connection.hangUp();
      return end === 'answer';
    });
  },
);
