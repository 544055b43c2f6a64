package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
)

// Fingerprint identifies the schema that Up makes, as 12 hexadecimal digits:
// it changes with every migration, so that a prepared database can be kept and
// recognised.
func Fingerprint() string {
	sum := sha256.New()
	names, _ := fs.Glob(numbered, "*.sql") // the pattern is valid
	for _, name := range names {
		text, _ := numbered.ReadFile(name) // embedded, so it is there
		fmt.Fprintf(sum, "%s %d %s", name, len(text), text)
	}
	fmt.Fprintf(sum, "%d %s", riverVersion, rolesSQL)
	return hex.EncodeToString(sum.Sum(nil))[:12]
}
