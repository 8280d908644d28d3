import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Certificates of one cluster, all signed by one CA that exists for it alone. */
export interface TestCertificates {
  /** PEM of the CA. */
  ca: string
  /** File with the PEM of the CA. */
  caFile: string
  /** File with key and certificate of the brokers: good for `localhost` and 127.0.0.1. */
  brokerFile: string
  /** The same for `wrong-host.invalid` alone, a name that no broker is reached by. */
  wrongHostFile: string
  /** PEM of a client certificate, for listeners that want one. Its principal is `User:CN=client`. */
  clientCertificate: string
  /** PEM of its key, PKCS #8 and not encrypted. */
  clientKey: string
}

/**
 * Makes the certificates in `folder`, which is made too.
 *
 * @throws if `openssl` is not on PATH.
 */
export async function makeTestCertificates(folder: string): Promise<TestCertificates> {
  await mkdir(folder, { recursive: true })
  const caKeyFile = await writeKey(folder, 'ca')
  const caFile = join(folder, 'ca.pem')
  const caConfig = await writeConfig(folder, 'ca', 'kafkawire test CA', [
    'basicConstraints = critical, CA:TRUE',
    'keyUsage = critical, keyCertSign, cRLSign',
  ])
  await openssl([
    'req',
    '-x509',
    '-new',
    '-key',
    caKeyFile,
    '-days',
    '30',
    '-config',
    caConfig,
    '-out',
    caFile,
  ])

  // One after the other: they share the file of serial numbers.
  const broker = await issue(folder, 'broker', 'localhost', 'DNS:localhost, IP:127.0.0.1')
  const wrongHost = await issue(folder, 'wrong-host', 'wrong-host.invalid', 'DNS:wrong-host.invalid')
  const client = await issue(folder, 'client', 'client', 'DNS:client')
  return {
    ca: await readFile(caFile, 'utf8'),
    caFile,
    brokerFile: broker.file,
    wrongHostFile: wrongHost.file,
    clientCertificate: client.certificate,
    clientKey: client.key,
  }
}

async function issue(
  folder: string,
  name: string,
  commonName: string,
  subjectAltName: string,
): Promise<{ file: string; certificate: string; key: string }> {
  const path = (suffix: string): string => join(folder, `${name}${suffix}`)
  const keyFile = await writeKey(folder, name)
  const extensions = [
    'basicConstraints = CA:FALSE',
    'extendedKeyUsage = serverAuth, clientAuth',
    `subjectAltName = ${subjectAltName}`,
  ]
  const config = await writeConfig(folder, name, commonName, extensions)
  await openssl(['req', '-new', '-key', keyFile, '-config', config, '-out', path('.csr')])
  const ca = ['-CA', join(folder, 'ca.pem'), '-CAkey', join(folder, 'ca.key'), '-CAcreateserial']
  const extension = ['-extfile', config, '-extensions', 'extensions']
  await openssl([
    'x509',
    '-req',
    '-in',
    path('.csr'),
    ...ca,
    '-days',
    '30',
    ...extension,
    '-out',
    path('.crt'),
  ])
  const [key, certificate] = await Promise.all([readFile(keyFile, 'utf8'), readFile(path('.crt'), 'utf8')])
  // Kafka's PEM key store: key first, then the certificate, in one file.
  await writeFile(path('.pem'), key + certificate)
  return { file: path('.pem'), certificate, key }
}

async function writeKey(folder: string, name: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const file = join(folder, `${name}.key`)
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return file
}

async function writeConfig(
  folder: string,
  name: string,
  commonName: string,
  extensions: string[],
): Promise<string> {
  const file = join(folder, `${name}.cnf`)
  const lines = [
    '[req]',
    'prompt = no',
    'distinguished_name = name',
    'x509_extensions = extensions',
    '[name]',
    `CN = ${commonName}`,
    '[extensions]',
    ...extensions,
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  return file
}

async function openssl(args: string[]): Promise<void> {
  try {
    await execute('openssl', args)
  } catch (cause) {
    throw new Error(`openssl ${args[0]} failed; TLS listeners need openssl on PATH`, { cause })
  }
}
