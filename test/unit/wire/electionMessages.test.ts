import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from '../../../src/base/byteQueue.ts';
import {
  MAX_ELECTION_MESSAGE_BYTES,
  type Notification,
  PREAMBLE_VERSION_ADDRESS_LIST,
  PREAMBLE_VERSION_ONE_ADDRESS,
  decodeNotification,
  encodeNotification,
  encodePreamble,
  frameElectionMessage,
  takeElectionMessage,
  takePreamble,
} from '../../../src/wire/electionMessages.ts';
import { epoch, sid, zxid } from '../../../src/wire/ids.ts';
import { JuteError, toBytes } from '../../../src/wire/jute.ts';
import { fromHex, goldenFiles, plain, toHex } from './goldenFiles.ts';

interface Direction {
  readonly streamHex: string;
  readonly preamble?: {
    readonly protocolVersion: string;
    readonly sid: string;
    readonly addresses: string;
    readonly hex: string;
  };
  readonly messages: readonly CapturedMessage[];
  /** The beginning of a message that the connection's end cut off. */
  readonly unparsed?: string;
}
interface CapturedMessage {
  readonly stateName: string;
  readonly leader: string;
  readonly zxid: string;
  readonly electionEpoch: string;
  readonly peerEpoch: string;
  readonly version: number;
  readonly config: string;
  readonly hex: string;
}
interface Capture {
  readonly connections: readonly {
    readonly initiatorToAcceptor: Direction;
    readonly acceptorToInitiator: Direction;
  }[];
}

function queueOf(bytes: Uint8Array): ByteQueue {
  const queue = new ByteQueue();
  queue.push(bytes);
  return queue;
}

/** Reads a whole direction byte by byte; returns the preamble and the messages it came to. */
function readDirection(stream: Uint8Array, hasPreamble: boolean) {
  const queue = new ByteQueue();
  const messages: Uint8Array[] = [];
  let preamble = null;
  for (const byte of stream) {
    queue.push(Uint8Array.of(byte));
    if (hasPreamble && preamble === null) preamble = takePreamble(queue);
    else {
      const message = takeElectionMessage(queue);
      if (message !== null) messages.push(message);
    }
  }
  return { preamble, messages, rest: toHex(queue.take(queue.length)) };
}

describe('streams of the election port, captured from ZooKeeper', () => {
  for (const file of goldenFiles('election')) {
    it(`${file.name}: are understood and encoded back to the same bytes`, () => {
      const { connections } = file.content as Capture;
      const directions = connections.flatMap((one) => [
        one.initiatorToAcceptor,
        one.acceptorToInitiator,
      ]);
      expect(directions.length).toBeGreaterThan(0);
      for (const direction of directions) {
        const expected = direction.preamble;
        const read = readDirection(fromHex(direction.streamHex), expected !== undefined);
        if (expected && read.preamble) {
          expect(plain(read.preamble)).toEqual({
            sid: expected.sid,
            addresses: expected.addresses.split('|'),
          });
          const version =
            expected.protocolVersion === '-65536'
              ? PREAMBLE_VERSION_ONE_ADDRESS
              : PREAMBLE_VERSION_ADDRESS_LIST;
          expect(toHex(encodePreamble(read.preamble, version))).toBe(expected.hex);
        }
        expect(read.messages).toHaveLength(direction.messages.length);
        expect(read.rest).toBe(direction.unparsed ?? '');
        read.messages.forEach((message, index) => {
          const notification = decodeNotification(message);
          expect(direction.messages[index]).toMatchObject({
            stateName: notification.state,
            leader: String(notification.leader),
            zxid: String(notification.zxid),
            electionEpoch: String(notification.electionEpoch),
            peerEpoch: String(notification.peerEpoch),
            version: notification.version,
            config: notification.config,
            hex: toHex(frameElectionMessage(encodeNotification(notification))),
          });
        });
      }
    });
  }
});

const vote: Notification = {
  version: 2,
  state: 'LOOKING',
  leader: sid(3),
  zxid: zxid(0x5_0000_0007n),
  electionEpoch: 1n,
  peerEpoch: epoch(5),
  config: 'version=0',
};

describe('a notification of an older server', () => {
  it('without a configuration counts as version 0, whatever version it says', () => {
    for (const version of [0, 1] as const) {
      const bytes = encodeNotification({ ...vote, version, config: null });
      expect(bytes).toHaveLength(40);
      expect(decodeNotification(bytes)).toEqual({ ...vote, version: 0, config: null });
    }
  });

  it('without a peer epoch takes it from the zxid', () => {
    const bytes = encodeNotification(vote).subarray(0, 28);
    expect(decodeNotification(bytes)).toEqual({ ...vote, version: 0, config: null });
  });
});

describe('a malformed notification', () => {
  const refused = (bytes: Uint8Array): void => {
    expect(() => decodeNotification(bytes)).toThrow(JuteError);
  };
  const withConfigLength = (length: number): Uint8Array => {
    const bytes = encodeNotification(vote);
    new DataView(bytes.buffer, bytes.byteOffset).setInt32(40, length);
    return bytes;
  };

  it('that is too short is refused', () => {
    for (let length = 0; length < 28; length++)
      refused(encodeNotification(vote).subarray(0, length));
  });

  it('that ends inside a field is refused', () => {
    for (const length of [29, 35, 36, 39, 41, 43, 44, 47, 50]) {
      refused(encodeNotification(vote).subarray(0, length));
    }
  });

  it('whose configuration length is negative is refused', () => {
    for (const length of [-1, -2, -0x80000000]) refused(withConfigLength(length));
  });

  it('whose configuration length is beyond its end is refused', () => {
    for (const length of [10, 1000, 0x7fffffff]) refused(withConfigLength(length));
  });

  it('of an unknown state is refused', () => {
    for (const state of [-1, 4, 99]) {
      const bytes = encodeNotification(vote);
      new DataView(bytes.buffer, bytes.byteOffset).setInt32(0, state);
      refused(bytes);
    }
  });

  it('of any random bytes is refused with JuteError or understood', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          decodeNotification(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(JuteError);
        }
      }),
    );
  });
});

describe('a preamble', () => {
  it('of a server of 3.4 is its sid alone', () => {
    const queue = queueOf(toBytes((writer) => writer.long(7n)));
    expect(takePreamble(queue)).toEqual({ sid: sid(7), addresses: [] });
  });

  it('of an unknown protocol version is refused', () => {
    const queue = queueOf(toBytes((writer) => writer.long(-65530n)));
    expect(() => takePreamble(queue)).toThrow(JuteError);
  });

  it('whose address length is out of bounds is refused', () => {
    for (const length of [-1, 0, 2049, 0x7fffffff]) {
      const queue = queueOf(
        toBytes((writer) => {
          writer.long(PREAMBLE_VERSION_ONE_ADDRESS);
          writer.long(1n);
          writer.int(length);
        }),
      );
      expect(() => takePreamble(queue)).toThrow(JuteError);
    }
  });
});

it('an election message whose length is out of bounds is refused before it has come', () => {
  for (const length of [-1, 0, MAX_ELECTION_MESSAGE_BYTES + 1]) {
    const queue = queueOf(toBytes((writer) => writer.int(length)));
    expect(() => takeElectionMessage(queue)).toThrow(JuteError);
  }
});
