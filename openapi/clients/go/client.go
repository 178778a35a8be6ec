// Package miaobu is the Go client of the Miaobu API. It uses nothing but the standard library.
package miaobu

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// Client is a client of the Miaobu API; each operation is a method. It may be used by several goroutines at once.
type Client struct {
	baseURL  string
	token    string
	attempts int
	http     *http.Client
}

// Option is what [New] can be told.
type Option func(*Client)

// WithToken authenticates with an API token or a session's token.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithAttempts says how often a request is tried before its failure is returned; 5 unless said.
func WithAttempts(attempts int) Option { return func(c *Client) { c.attempts = attempts } }

// WithHTTPClient says what sends requests. It should have no timeout of its own: an upload takes what it takes.
func WithHTTPClient(client *http.Client) Option { return func(c *Client) { c.http = client } }

// New returns a client of the server at baseURL, such as "http://127.0.0.1:8080". Nothing is sent yet.
func New(baseURL string, options ...Option) *Client {
	client := &Client{baseURL: strings.TrimRight(baseURL, "/"), attempts: 5}
	// The token must not follow to another place.
	client.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, option := range options {
		option(client)
	}
	return client
}

// RequestOption is what every operation can be told.
type RequestOption interface{ apply(*request) }

type option func(*request)

func (o option) apply(r *request) { o(r) }

// IdempotencyKey names a POST, so that sent again it is answered again and carried out once; a random one unless given.
func IdempotencyKey(key string) RequestOption { return Header("Idempotency-Key", key) }

// IfMatch is the ETag that the object must still have.
func IfMatch(etag string) RequestOption { return Header("If-Match", etag) }

// Header sets a header of the request.
func Header(name, value string) RequestOption {
	return option(func(r *request) { r.header.Set(name, value) })
}

// ResponseHeader puts the headers of the answer into target.
func ResponseHeader(target *http.Header) RequestOption {
	return option(func(r *request) { r.responseHeader = target })
}

type request struct {
	method, path   string
	query          url.Values
	header         http.Header
	body           []byte
	responseHeader *http.Header
}

type content interface {
	encode() (mediaType string, bytes []byte, err error)
}

type jsonBody struct{ value any }

func (b jsonBody) encode() (string, []byte, error) {
	encoded, err := json.Marshal(b.value)
	return "application/json", encoded, err
}

type bytesBody []byte

func (b bytesBody) encode() (string, []byte, error) { return "application/octet-stream", b, nil }

func (c *Client) do(ctx context.Context, method, path string, body content, options []RequestOption, answer any) error {
	stream, err := c.open(ctx, method, path, body, options)
	if err != nil {
		return err
	}
	defer stream.Close()
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(stream).Decode(answer); err != nil {
		return fmt.Errorf("the answer of %s %s: %w", method, path, err)
	}
	return nil
}

// open sends a request, again when that can help, and returns the body of the answer once it is a success.
func (c *Client) open(ctx context.Context, method, path string, body content, options []RequestOption) (io.ReadCloser, error) {
	r := &request{method: method, path: path, query: url.Values{}, header: http.Header{}}
	r.header.Set("Accept", "application/json")
	r.header.Set("User-Agent", "miaobu-go")
	if c.token != "" {
		r.header.Set("Authorization", "Bearer "+c.token)
	}
	if method == http.MethodPost {
		r.header.Set("Idempotency-Key", rand.Text())
	}
	if body != nil {
		mediaType, encoded, err := body.encode()
		if err != nil {
			return nil, err
		}
		r.header.Set("Content-Type", mediaType)
		r.body = encoded
	}
	for _, option := range options {
		option.apply(r)
	}
	wait := newBackoff(c.attempts)
	for {
		response, err := c.send(ctx, r)
		if err == nil {
			if r.responseHeader != nil {
				*r.responseHeader = response.Header
			}
			return response.Body, nil
		}
		if err := wait.after(ctx, err); err != nil {
			return nil, err
		}
	}
}

func (c *Client) send(ctx context.Context, r *request) (*http.Response, error) {
	target := c.baseURL + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	sent, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, err
	}
	sent.Header = r.header.Clone()
	response, err := c.http.Do(sent)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, problemOf(response)
}

// ProblemError is what the server refused, or could not carry out.
type ProblemError struct {
	// Problem is what the server says. Its Code is "http_503" and the like when what answered is not this API.
	Problem
	// Header holds the headers of the answer.
	Header http.Header
}

func (e *ProblemError) Error() string { return fmt.Sprintf("%s (%s)", e.Detail, e.Code) }

// AsProblem returns what the server says went wrong, if err is that.
func AsProblem(err error) (*ProblemError, bool) {
	var problem *ProblemError
	return problem, errors.As(err, &problem)
}

func problemOf(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	problem := &ProblemError{Header: response.Header}
	if json.Unmarshal(text, &problem.Problem) != nil || problem.Code == "" {
		problem.Problem = Problem{
			Code:      fmt.Sprintf("http_%d", response.StatusCode),
			Detail:    "the server gave no reason",
			RequestID: response.Header.Get("X-Request-Id"),
		}
	}
	problem.Status = response.StatusCode
	return problem
}

// Change is a field of a merge patch: its zero value leaves what there is, [Set] gives a new value, [Clear] sends null.
type Change[T any] struct {
	value  *T
	isSent bool
}

// Set changes a field to value.
func Set[T any](value T) Change[T] { return Change[T]{value: &value, isSent: true} }

// Clear takes a field's value away.
func Clear[T any]() Change[T] { return Change[T]{isSent: true} }

// IsZero reports whether the field is left as it is.
func (c Change[T]) IsZero() bool { return !c.isSent }

// MarshalJSON writes the value, or null.
func (c Change[T]) MarshalJSON() ([]byte, error) { return json.Marshal(c.value) }

// Ptr returns a pointer to value, for fields that may be absent.
func Ptr[T any](value T) *T { return &value }

func segment[T ~string | int | int64](value T) string { return url.PathEscape(fmt.Sprint(value)) }

func setQuery(r *request, name string, value any) {
	reflected := reflect.ValueOf(value)
	if reflected.IsZero() {
		return
	}
	if reflected.Kind() == reflect.Pointer {
		reflected = reflected.Elem()
	}
	text := fmt.Sprint(reflected.Interface())
	if at, ok := reflected.Interface().(time.Time); ok {
		text = at.UTC().Format(time.RFC3339Nano)
	}
	r.query.Set(name, text)
}
