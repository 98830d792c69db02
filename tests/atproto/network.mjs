// A PLC directory, a PDS and an AppView that index each other, as their own authors test them.
// Ports come by the environment: PLC_PORT, PDS_PORT, BSKY_PORT, CONTROL_PORT. The control port answers
//   /settle  when everything written so far is indexed     /stop  and the network ends
import http from 'node:http'
import { TestNetwork } from '@atproto/dev-env'

const port = (name) => Number(process.env[`${name}_PORT`])
const network = await TestNetwork.create({
  plc: { port: port('PLC') },
  pds: { port: port('PDS'), hostname: 'localhost' },
  bsky: { port: port('BSKY'), publicUrl: `http://localhost:${port('BSKY')}` },
})
const control = http.createServer(async (request, response) => {
  try {
    if (request.url === '/settle') await network.processAll(30_000)
    response.end('{}')
    if (request.url !== '/stop') return
    await network.close()
    process.exit(0)
  } catch (error) {
    response.statusCode = 500
    response.end(String(error?.stack ?? error))
  }
})
control.listen(port('CONTROL'), '127.0.0.1', () => console.log('READY'))
