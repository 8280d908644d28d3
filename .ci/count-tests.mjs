// Prints how many tests of vitest's JSON report passed, failed and were skipped: "12 0 0".
import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
console.log(report.numPassedTests, report.numFailedTests, report.numPendingTests + report.numTodoTests)
