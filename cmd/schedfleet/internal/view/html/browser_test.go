// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/schedfleet/schedfleet/cmd/schedfleet/internal/view/viewtest"
	"github.com/schedfleet/schedfleet/hack/programs"
	"github.com/schedfleet/schedfleet/pkg/workload/report"
)

// browserTimeout bounds the opening of one page, on a machine that tests other things too.
const browserTimeout = time.Minute

// visited is what came of opening a page.
type visited struct {
	dom string
	// console is what the page's console and the browser said of it.
	console []string
	// paths are what the browser asked the page's server for.
	paths []string
}

// visit opens a page in a browser. Names are resolved nowhere: what is not in the page
// cannot be had.
func visit(t *testing.T, path string, page []byte) visited {
	t.Helper()
	var v visited
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		v.paths = append(v.paths, r.URL.Path)
		_, _ = w.Write(page)
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--user-data-dir="+t.TempDir(), "--enable-logging=stderr",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--dump-dom", server.URL+"/page.html")
	cmd.WaitDelay = time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, said.String())
	}
	for line := range strings.Lines(said.String()) {
		if strings.Contains(line, "CONSOLE") {
			v.console = append(v.console, line)
		}
	}
	v.dom = out.String()
	mu.Lock()
	defer mu.Unlock()
	return v
}

var scripts = regexp.MustCompile(`(?s)<script.*?</script>`)

func TestInABrowser(t *testing.T) {
	path, err := programs.Browser(t.Context())
	if errors.Is(err, programs.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		rep       *report.Report
		scripts   bool
		want, not []string
	}{
		"a run with steps": {viewtest.Report(viewtest.Small), true, []string{
			`<p class="word">Fail</p>`, "1 of 5 checks failed, 1 inconclusive", "worker 3 of group burner did not get on for 3.1s, more than 2s (and 1 more)",
			`aria-pressed="true">All</button>`, "no &lt;WakeLatency&gt; was recorded", `data-tip="p99:`,
		}, []string{"<none>"}},
		"without scripts": {viewtest.Report(viewtest.Small), false, []string{
			`<p class="word">Fail</p>`, "worker 3 of group burner did not get on for 3.1s, more than 2s", "<title>p99:",
		}, []string{"<button"}},
		"a void sample":           {viewtest.Void(), true, []string{`<p class="word">Inconclusive</p>`, "the sample is void"}, nil},
		"a run without steps":     {viewtest.Whole(), true, []string{`<p class="word">Skip</p>`, "nothing was checked"}, []string{`id="steps"`}},
		"as much as there can be": {viewtest.Report(largest), true, []string{`<p class="word">Fail</p>`, "step-63"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			page := written(t, tc.rep)
			if !tc.scripts {
				page = scripts.ReplaceAll(page, nil)
			}
			v := visit(t, path, page)
			if len(v.paths) != 1 {
				t.Errorf("it asked for %q", v.paths)
			}
			for _, line := range v.console {
				t.Errorf("the console says: %s", line)
			}
			for _, text := range tc.want {
				if !strings.Contains(v.dom, text) {
					t.Errorf("there is no %q in the page", text)
				}
			}
			for _, text := range tc.not {
				if strings.Contains(v.dom, text) {
					t.Errorf("there is %q in the page", text)
				}
			}
		})
	}
}

// What a page must not do is seen by the same means when it is done.
func TestTheBrowserWouldTell(t *testing.T) {
	path, err := programs.Browser(t.Context())
	if errors.Is(err, programs.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	page := string(written(t, viewtest.Whole()))
	for name, tc := range map[string]struct{ from, to string }{
		"a picture from elsewhere is refused": {"</main>", `<img src="/picture.png"></main>`},
		"a script that fails":                 {"</body>", "<script>nothing.at.all()</script></body>"},
	} {
		t.Run(name, func(t *testing.T) {
			v := visit(t, path, []byte(strings.Replace(page, tc.from, tc.to, 1)))
			if len(v.console) == 0 {
				t.Error("the console says nothing")
			}
			if len(v.paths) != 1 {
				t.Errorf("it asked for %q", v.paths)
			}
		})
	}
}
