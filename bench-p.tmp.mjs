import { pathToFileURL } from 'node:url'
const { Kafka } = await import(process.env.LIB ?? './src/index.ts')
const kafka = new Kafka({ bootstrapServers: '127.0.0.1:29092' })
const admin = kafka.admin(); const topic = 'b' + Date.now(); await admin.createTopics([{ name: topic, numPartitions: 1, replicationFactor: 1 }]); await admin.close()
const v = 'x'.repeat(100), N = 500000
const p = kafka.producer(); await p.partitionsFor(topic)
const secs = (t) => Number(process.hrtime.bigint() - t) / 1e9
const out = {}
for (let r = 0; r < 4; r++) {
  let t = process.hrtime.bigint()
  for (let i = 0; i < N; i++) if (!p.produce({ topic, value: v })) await p.drained()
  await p.flush(); (out.fire ??= []).push(Math.round(N / secs(t) / 1000))
  t = process.hrtime.bigint()
  const infl = new Set()
  for (let i = 0; i < N; i += 1000) { const m = []; for (let j = 0; j < 1000; j++) m.push({ topic, value: v }); const pr = p.sendMany(m); infl.add(pr); pr.finally(() => infl.delete(pr)); if (infl.size >= 5) await Promise.race(infl) }
  await Promise.all(infl); (out.bulk ??= []).push(Math.round(N / secs(t) / 1000))
  t = process.hrtime.bigint(); let l = []
  for (let i = 0; i < N; i++) { l.push(p.send({ topic, value: v })); if (l.length >= 10000) { await Promise.all(l); l = [] } }
  await Promise.all(l); (out.single ??= []).push(Math.round(N / secs(t) / 1000))
}
await p.close()
for (const m of ['batches', 'each']) for (let r = 0; r < 3; r++) {
  const c = kafka.consumer({ groupId: 'g' + Math.random(), topics: [topic], autoOffsetReset: 'earliest', enableAutoCommit: false })
  let k = 0, bytes = 0, t0; const n = 2e6
  if (m === 'batches') { for await (const b of c.batches()) { t0 ??= process.hrtime.bigint(); for (const x of b) { k++; bytes += x.value.length } if (k >= n) break } }
  else { for await (const x of c) { t0 ??= process.hrtime.bigint(); k++; bytes += x.value.length; if (k >= n) break } }
  (out[m] ??= []).push(Math.round(k / secs(t0) / 1000)); await c.close()
}
console.log(JSON.stringify(out))
