/** What each code means that this client gives by itself, in the order of the page. */
export const clientErrorCodes: Readonly<Record<string, string>> = {
  DNS_LOOKUP_FAILED: 'The name of a broker has no address.',
  CONNECTION_REFUSED: 'Nobody listens at the address of a broker.',
  CONNECTION_TIMEOUT: 'No connection within `socketConnectionSetupTimeoutMs`.',
  CONNECTION_CLOSED:
    'The connection was there and went away; what was in flight may or may not have happened.',
  CONNECTION_FAILED: 'Any other failure of the socket.',
  TLS_CERTIFICATE_INVALID: 'The certificate is not trusted, has expired, or is of another name.',
  TLS_HANDSHAKE_FAILED: 'The other side does not speak TLS, or has no version or cipher in common with us.',
  TLS_REQUIRED: 'The other side speaks TLS, and the option `tls` is not set.',
  SASL_AUTHENTICATION_FAILED: 'The broker refused the credentials, or does not have the mechanism.',
  NOT_KAFKA: 'Something else listens there, for instance a web server.',
  UNSUPPORTED_VERSION:
    'Broker and client have no version of an API in common, or a needed feature is missing.',
  REQUEST_TIMEOUT: 'No answer within `requestTimeoutMs`.',
  API_TIMEOUT: 'A call as a whole took longer than its `timeoutMs`, or `defaultApiTimeoutMs`.',
  DELIVERY_TIMEOUT: 'A record was not confirmed within `deliveryTimeoutMs`.',
  MAX_BLOCK_TIMEOUT:
    'No room in the buffer of the producer, no metadata, or no answer about a transaction, within `maxBlockMs`.',
  BUFFER_FULL:
    '`produce` was called after it had returned false, and the buffer is full: wait for `drained()`.',
  RECORD_TOO_LARGE: 'A record is larger than `maxRequestSize` or `bufferMemory`.',
  BATCH_REFUSED:
    'The broker refused another record of the same batch, and so all of it; sent again, this one can be taken.',
  TRANSACTION_ABORTED:
    'A record was dropped with its transaction: that is being aborted, or something else of it has failed, see `cause`.',
  TRANSACTION_FAILED: 'A transaction failed for a reason without a code of its own; see `cause`.',
  DELIVERY_FAILED: 'A record was not confirmed, for a reason without a code of its own; see `cause`.',
  SEND_FAILED: 'A record could not be taken in, for a reason without a code of its own; see `cause`.',
  INTERCEPTOR_FAILED: 'A method of an interceptor threw; `cause` is what. The record went on as it was.',
  SERIALIZATION_FAILED: 'A serializer or deserializer threw; `cause` is what it threw.',
  INVALID_OPTION: 'An option does not exist, has the wrong type or is out of range.',
  INVALID_ARGUMENT: 'An argument of a call cannot be right.',
  ILLEGAL_STATE: 'The client cannot serve this call in its present state, for instance after `close()`.',
  NO_OFFSET_FOR_PARTITION: 'A partition has no committed offset, and `autoOffsetReset` is `none`.',
  LOG_TRUNCATED:
    'A new leader does not have what was read before the position of a partition. With `autoOffsetReset: none` it is thrown, with `divergentOffset`; else `onError` is told, and reading goes on there.',
  PARTITION_NOT_ASSIGNED: 'A commit for a partition that was handed over meanwhile.',
  MAX_POLL_INTERVAL_EXCEEDED:
    'The application asked for nothing within `maxPollIntervalMs`; the member has left its group.',
  INVALID_ASSIGNMENT: 'The leader of the group assigned what cannot be right.',
  ASSIGNMENT_FAILED: 'The assignor of the group threw, or gave an assignment that is not one.',
  HOOK_FAILED: 'A hook for partitions threw or took too long; `cause` is why. The consumer goes on.',
  UNEXPECTED_ERROR: 'A failure in the group that nothing here accounts for; see `cause`.',
  DEAD_LETTER_FAILED:
    'A message that could not be handled was not taken by its dead letter topic; `cause` is why.',
  STALLED:
    'A partition with something to read has made no progress for `stallWarningMs`; the message says what it waits for.',
  INVALID_METADATA: 'What a broker told of a topic contradicts itself. It is asked again.',
  INVALID_RESPONSE: "A broker's answer leaves out what was asked for.",
  CLIENT_FAULT: 'A bug in this client: please report it with `cause`.',
  TRUNCATED: 'Bytes end before the value does.',
  MALFORMED: 'A length, a count or a varint that no such message can have.',
  CORRUPT_CHECKSUM: 'A stored checksum differs from the computed one.',
  UNENCODABLE: 'A value that this version of a message cannot carry, or of the wrong type or range.',
  UNSUPPORTED: 'A message, API, version, magic or compression that is not spoken here.',
}
