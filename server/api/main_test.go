package api

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

// TestMain fails when a stream left a goroutine behind.
func TestMain(m *testing.M) {
	oidctest.ServeIfChild()
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}
