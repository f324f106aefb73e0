// The npm package's own prices. `list`: its data as JSON. Otherwise: reads JSON lines {id, provider, model, usage} on
// standard input and answers each with {id, model, cost}, null where the package knows no price.
import { calcPrice, findProvider } from '@pydantic/genai-prices'
import { createInterface } from 'node:readline'

const timestamp = new Date('2026-11-26T12:00:00Z')

if (process.argv[2] === 'list') {
  const names = process.argv.slice(3)
  process.stdout.write(JSON.stringify(names.map((id) => findProvider({ providerId: id })).filter(Boolean)))
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, provider, model, usage } = JSON.parse(line)
    let found = null
    let error = null
    try {
      found = findProvider({ providerId: provider }) ? calcPrice(usage, model, { providerId: provider, timestamp }) : null
    } catch (thrown) {
      error = thrown.message
    }
    console.log(JSON.stringify({ id, model: found && found.model.id, cost: found && found.total_price, error }))
  }
}
