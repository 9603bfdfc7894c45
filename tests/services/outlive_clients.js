// dynalite and kinesalite throw what a request fails with, which ends them when a client is killed in the middle of one. A real server goes on.
process.on('uncaughtException', (error) => {
  console.error(error)
  if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') process.exit(1)
})
