/** Name and version that brokers are told (KIP-511). The version is that of package.json: a test compares them. */
export const clientSoftware = { name: 'kafkawire', version: '0.1.0' } as const
