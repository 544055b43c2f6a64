package code

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeclarations(t *testing.T) {
	for _, c := range []struct{ file, source, want string }{
		{"a.go", `package a

import "fmt"

// T is a type.
type T[K comparable] struct{ k K }

// String says it.
func (t *T[K]) String() string {
	return fmt.Sprint(t.k, "}")
}

var a, b = 1, 2
`, `#L1-L3
T #L5-L6
T.String #L8-L11
a, b #L13`},
		{"broken.go", "package a\n\nfunc good() {\n}\n\nfunc bad( {\n", "#L1\ngood #L3-L4\nbad #L6"},
		{"a.py", `import os

X = """
def not_code():
"""

@decorated
class A(Base):
    """Says."""

    def f(self):
        def nested():
            pass

    # about g
    async def g(self):
        pass

def top():
    pass
`, `#L1-L5
A #L7-L9
A>f #L11-L13
A>g #L15-L17
top #L19-L20`},
		{"a.ts", `import x from "y";

/** Adds. */
export async function add(a: number): Promise<number> {
  if (a) { return 1; }
  const s = ` + "`${a} {`" + `;
}

export const twice = (a: number) => a * 2;

export class Store {
  private items = {};

  async get(key: string): Promise<string> {
    for (const i of []) { }
  }
}

interface Shape { area(): number }
`, `#L1
add #L3-L7
twice #L9
Store #L11-L12
Store>get #L14-L17
Shape #L19`},
		{"A.java", `package a;

/** Doc. */
@Deprecated
public class A {
    private int x = 1;

    public static int add(int a, int b) {
        return a + b;
    }

    @Override
    public String toString() {
        if (x == 1) {
            call(x);
        }
        return "}";
    }
}
`, `#L1
A #L3-L6
A>add #L8-L10
A>toString #L12-L19`},
		{"a.rs", `use std::fmt;

/// Doc.
#[derive(Debug)]
pub struct P<'a> { name: &'a str }

impl<'a> P<'a> {
    pub fn new() -> Self {
        P { name: "{" }
    }
}

fn main() {
    fn helper() {}
}
`, `#L1
P #L3-L5
P<'a> #L7
P<'a>>new #L8-L11
main #L13-L15`},
		{"a.c", `#include <stdio.h>

/* adds */
static int add(int a, int b)
{
	return a + b;
}

struct point {
	int x;
};

int main(void) {
	return add(1, 2);
}
`, `#L1
add #L3-L7
point #L9-L11
main #L13-L15`},
		{"a.sql", "-- users\nCREATE TABLE IF NOT EXISTS users (\n id int\n);\n\ncreate unique index by_name on users(name);\n", "users #L1-L4\nby_name #L6"},
		{"a.sh", "set -e\n\n# greets\ngreet() {\n  echo hi\n}\n", "#L1\ngreet #L3-L6"},
		{"Makefile", "all:\n\ttrue\n", "#L1-L2"},
	} {
		t.Run(c.file, func(t *testing.T) {
			text, err := Extract([]byte(c.source), Language(c.file), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if string(text.Body) != c.source {
				t.Errorf("the source was changed: %q", text.Body)
			}
			var got []string
			for _, s := range text.Sections {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s", strings.Join(s.Heading, ">"), s.Anchor)))
			}
			if diff := cmp.Diff(strings.Split(c.want, "\n"), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
