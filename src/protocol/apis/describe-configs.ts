import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, string } from '../schema.ts'

/** Reads configurations (KIP-133). Those of a broker or its loggers are to be asked of that broker. */
export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: '0-4',
  flexible: '4+',
  route: 'any',
  request: {
    resources: array({
      /** 2: topic, 4: broker, 8: broker logger, 16: client metrics (KIP-714), 32: group (KIP-848). */
      resourceType: int8(),
      resourceName: string(),
      /** Null: all. */
      configurationKeys: array(string(), '0+', { nullable: true }),
    }),
    /** List also where else a value is set, and what it would be without this one (KIP-226). */
    includeSynonyms: bool('1+'),
    includeDocumentation: bool('3+'),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        /** Null for what is sensitive, such as passwords. */
        value: string('0+', { nullable: true }),
        readOnly: bool(),
        isDefault: bool('0'),
        /**
         * 1: topic, 2: broker, 3: default of all brokers, 4: file of the broker, 5: default of Kafka, 6:
         * broker logger, 7: client metrics, 8: group; -1: not told.
         */
        configSource: int8('1+', { default: -1, ignorable: true }),
        isSensitive: bool(),
        /** In the order in which they take effect. */
        synonyms: array(
          {
            name: string('1+'),
            value: string('1+', { nullable: '0+' }),
            source: int8('1+'),
          },
          '1+',
          { ignorable: true },
        ),
        /**
         * 0: unknown, 1: boolean, 2: string, 3: int, 4: short, 5: long, 6: double, 7: list, 8: class, 9:
         * password (KIP-569).
         */
        configType: int8('3+', { ignorable: true }),
        documentation: string('3+', { nullable: '0+', ignorable: true }),
      }),
    }),
  },
})

export type DescribeConfigsRequest = RequestOf<typeof describeConfigs>
export type DescribeConfigsResponse = ResponseOf<typeof describeConfigs>
