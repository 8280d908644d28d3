import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Acl } from '../security/acl.ts'
import type { ScramMechanismName } from '../security/scram.ts'

export interface SavedSecurity {
  readonly acls: readonly Acl[]
  /** Credentials that clients have set; bytes are base64. */
  readonly scramUsers: readonly {
    readonly user: string
    readonly mechanism: ScramMechanismName
    readonly iterations: number
    readonly salt: string
    readonly storedKey: string
    readonly serverKey: string
  }[]
}

const anyAcl = {
  resourceType: null,
  resourceName: null,
  patternType: null,
  principal: null,
  host: null,
  operation: null,
  permissionType: null,
}

export function saveSecurity({ authorizer, scramUsers }: KafkaCluster): SavedSecurity {
  return {
    acls: authorizer.find(anyAcl),
    scramUsers: Array.from(scramUsers.given(), ({ user, mechanism, credential }) => ({
      user,
      mechanism,
      iterations: credential.iterations,
      salt: base64(credential.salt),
      storedKey: base64(credential.storedKey),
      serverKey: base64(credential.serverKey),
    })),
  }
}

export function restoreSecurity({ authorizer, scramUsers }: KafkaCluster, saved: SavedSecurity): void {
  for (const acl of saved.acls) authorizer.add(acl)
  for (const { user, mechanism, iterations, salt, storedKey, serverKey } of saved.scramUsers) {
    scramUsers.set(user, mechanism, {
      iterations,
      salt: Buffer.from(salt, 'base64'),
      storedKey: Buffer.from(storedKey, 'base64'),
      serverKey: Buffer.from(serverKey, 'base64'),
    })
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
