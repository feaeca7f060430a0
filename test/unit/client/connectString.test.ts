import { expect, test } from 'vitest';
import { parseConnectString } from '../../../src/client/connectString.ts';

test('hosts with and without ports, and a chroot', () => {
  expect(parseConnectString('a:1,b, [::1]:3/app/x')).toEqual({
    addresses: ['a:1', 'b:2181', '[::1]:3'],
    chroot: '/app/x',
  });
  expect(parseConnectString('127.0.0.1:2181')).toEqual({
    addresses: ['127.0.0.1:2181'],
    chroot: '/',
  });
});

test('what is no connection string is named', () => {
  for (const wrong of ['', '/app', ',']) {
    expect(() => parseConnectString(wrong)).toThrow('names no server');
  }
  expect(() => parseConnectString('a:1,b:x/app')).toThrow('"b:x" in "a:1,b:x/app"');
  expect(() => parseConnectString('a:0')).toThrow('is no host:port');
  expect(() => parseConnectString('::1')).toThrow('is no host:port');
  expect(() => parseConnectString('a b:1')).toThrow('is no host:port');
});
