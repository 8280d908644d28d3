/** Shows a line that changes, on a terminal in place, else one line each time. Call `stop` for the last one. */
export function startProgress(line: () => string): { stop(): void } {
  const show = () => {
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line()}`)
    else console.log(line())
  }
  const timer = setInterval(show, process.stdout.isTTY ? 100 : 500)
  return {
    stop() {
      clearInterval(timer)
      show()
      if (process.stdout.isTTY) process.stdout.write('\n')
    },
  }
}
