package postgres

import (
	"os"
	"testing"

	"github.com/cairnhq/cairn/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(maintainEnv); url != "" {
		maintainForever(url)
	}
	postgrestest.Main(m)
}
