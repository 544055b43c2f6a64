package answer_test

import (
	"testing"

	"github.com/cairnhq/cairn/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }
