// Copyright 2026 The schedfleet Authors
// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/schedfleet/schedfleet/config/access"
)

const (
	// tokenLife is how long a token of manager or agent is good for, as in a pod.
	tokenLife = time.Hour
	// tokenRetry is the pause after a request for a token that failed.
	tokenRetry = 10 * time.Second
	// tokenTimeout bounds one request.
	tokenTimeout = 10 * time.Second
)

// token is the token of a program in the file that its kubeconfig names. The
// program reads the file once a minute, as that of a pod.
type token struct {
	file    string
	request func(context.Context) (text string, expires time.Time, err error)
}

// requesting requests tokens of a service account, bound to a Node if there is one.
func requesting(c client.Client, account string, node *corev1.Node) func(context.Context) (string, time.Time, error) {
	return func(ctx context.Context) (string, time.Time, error) {
		got, err := access.Token(ctx, c, account, node, tokenLife)
		if err != nil {
			return "", time.Time{}, err
		}
		return got.Token, got.ExpirationTimestamp.Time, nil
	}
}

// keepTokens writes the tokens, and new ones long before they expire. What it
// returns ends that, and is to be called in any case.
func (s *supervisor) keepTokens(ctx context.Context, tokens []token) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	stop = func() {
		cancel()
		renewing.Wait()
	}
	for _, t := range tokens {
		expires, err := t.renew(ctx)
		if err != nil {
			return stop, err
		}
		renewing.Go(func() { s.keepToken(ctx, t, expires) })
	}
	return stop, nil
}

func (s *supervisor) keepToken(ctx context.Context, t token, expires time.Time) {
	pause := time.Until(expires) / 2
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		expires, err := t.renew(ctx)
		switch {
		case err == nil:
			pause = time.Until(expires) / 2
		case ctx.Err() == nil:
			s.log.Error("a token was not renewed; trying on", "file", t.file, "error", err)
			pause = tokenRetry
		}
	}
}

// renew puts a new token into the file, at once: a reader sees the old or the new.
func (t *token) renew(ctx context.Context) (expires time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	text, expires, err := t.request(ctx)
	if err != nil {
		return expires, err
	}
	next := t.file + ".new"
	if err = os.WriteFile(next, []byte(text), 0o600); err == nil {
		err = os.Rename(next, t.file)
	}
	if err != nil {
		return expires, fmt.Errorf("writing a token: %w", err)
	}
	return expires, nil
}

// writeKubeconfig writes how to reach the API server with the token in a file.
func writeKubeconfig(file string, to *rest.Config, tokenFile string) error {
	const name = "schedfleet"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: to.Host, CertificateAuthorityData: to.CAData}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{TokenFile: tokenFile}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, file)
}
