/**
 * A certificate for `npm start -- --https`, made on the spot with Node's own crypto: the DER of X.509 (RFC 5280) is small
 * enough to write down here, so that nothing has to be installed for it. Browsers will warn, as they should.
 */

import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** PEM, as `node:https` takes it. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Apple's browsers take no certificate that is valid for more than 825 days. */
const VALID_DAYS = 365;
const DAY_MS = 24 * 60 * 60 * 1000;

const OID_COMMON_NAME = [0x55, 0x04, 0x03];
const OID_ECDSA_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const OID_SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];
const OID_BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];
const OID_EXTENDED_KEY_USAGE = [0x55, 0x1d, 0x25];
const OID_SERVER_AUTH = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific, within subjectAltName. */
  dnsName: 0x82,
  ipAddress: 0x87,
  version: 0xa0,
  extensions: 0xa3,
} as const;

/** A P-256 key and a certificate for these host names and IPv4 addresses, valid from now on. */
export function selfSignedCertificate(hosts: readonly string[], nowMs: number): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(OID_ECDSA_SHA256));
  const name = sequence(
    der(TAG.set, sequence(oid(OID_COMMON_NAME), der(TAG.utf8, Buffer.from('Tabkeeper')))),
  );
  const body = sequence(
    der(TAG.version, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    name,
    // An hour back: clocks on a LAN differ.
    sequence(utcTime(nowMs - DAY_MS / 24), utcTime(nowMs + VALID_DAYS * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(TAG.extensions, sequence(altNames(hosts), notAnAuthority(), forServers())),
  );
  const signature = createSign('sha256').update(body).sign(privateKey);
  const certificate = sequence(body, algorithm, bitString(signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem(certificate),
  };
}

function altNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIPv4(host)
      ? der(TAG.ipAddress, Buffer.from(host.split('.').map(Number)))
      : der(TAG.dnsName, Buffer.from(host, 'ascii')),
  );
  return sequence(oid(OID_SUBJECT_ALT_NAME), der(TAG.octetString, sequence(...names)));
}

function notAnAuthority(): Buffer {
  const critical = der(TAG.boolean, Buffer.from([0xff]));
  return sequence(oid(OID_BASIC_CONSTRAINTS), critical, der(TAG.octetString, sequence()));
}

function forServers(): Buffer {
  const usage = sequence(oid(OID_SERVER_AUTH));
  return sequence(oid(OID_EXTENDED_KEY_USAGE), der(TAG.octetString, usage));
}

/** Positive and not to be guessed: 127 bits. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function utcTime(timeMs: number): Buffer {
  const digits = new Date(timeMs).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(TAG.utcTime, Buffer.from(`${digits}Z`, 'ascii'));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(TAG.sequence, Buffer.concat(parts));
}

function oid(bytes: readonly number[]): Buffer {
  return der(TAG.oid, Buffer.from(bytes));
}

function integer(bytes: Buffer): Buffer {
  return der(TAG.integer, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return der(TAG.bitString, Buffer.concat([Buffer.from([0]), bytes]));
}

function der(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), derLength(content.length), content]);
}

function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  return Buffer.from([0x82, length >> 8, length & 0xff]);
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
