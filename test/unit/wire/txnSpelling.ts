/** Transactions as the captures' JSON spells them. */

import { opName } from '../../../src/wire/opCodes.ts';
import { type Txn, type TxnLogEntry, decodeSubTxn } from '../../../src/wire/txns.ts';

export function spellTxn({ header, txn, digest }: TxnLogEntry): unknown {
  return {
    header,
    op: opName(header.type),
    txn: spellBody(txn),
    ...(digest === null ? {} : { digest }),
  };
}

function spellBody(txn: Txn): unknown {
  if (!('txns' in txn)) {
    return Object.fromEntries(Object.entries(txn).filter(([name]) => name !== 'type'));
  }
  return {
    txns: txn.txns.map((sub) => ({
      type: sub.type,
      op: opName(sub.type),
      data: sub.data,
      decoded: spellBody(decodeSubTxn(sub)),
    })),
  };
}
