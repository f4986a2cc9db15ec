// The Khronos validator on GLB files: one line each with the numbers of errors and warnings, and what they are.
//   node tests/validate_glb.js FILE...
// Exit code: 1 if there is an error or a warning, 2 if the validator is not installed (npm ci).
const fs = require('fs');
let validator;
try {
  validator = require('gltf-validator');
} catch (error) {
  console.error('gltf-validator is not installed: npm ci');
  process.exit(2);
}
(async () => {
  let bad = false;
  for (const file of process.argv.slice(2)) {
    const { issues } = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));
    console.log(`${file}: ${issues.numErrors} errors, ${issues.numWarnings} warnings`);
    for (const message of issues.messages.filter((m) => m.severity < 2)) {
      console.log(`  ${message.code} at ${message.pointer}: ${message.message}`);
    }
    bad = bad || issues.numErrors + issues.numWarnings > 0;
  }
  process.exit(bad ? 1 : 0);
})();
