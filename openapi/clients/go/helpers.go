package miaobu

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

const (
	// How many seconds the server holds an answer back while nothing changes.
	longestWaitSeconds = 30
	// How often a log that brings nothing new is opened again.
	streamAttempts = 8
)

type pageOf[T any] interface{ page() ([]T, *string) }

// Pages yields a list's objects; each page is asked for when it is needed. The cursor of the first one is empty.
func Pages[T any, P pageOf[T]](read func(cursor string) (P, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		cursor := ""
		for {
			page, err := read(cursor)
			if err != nil {
				yield(*new(T), err)
				return
			}
			data, next := page.page()
			for _, item := range data {
				if !yield(item, nil) {
					return
				}
			}
			if next == nil {
				return
			}
			cursor = *next
		}
	}
}

// WaitForDeployment waits until a deployment's status is final, and returns it; look at its Status.
func (c *Client) WaitForDeployment(ctx context.Context, id int64) (*Deployment, error) {
	for {
		answer, err := c.GetDeployment(ctx, id, GetDeploymentParams{Wait: longestWaitSeconds})
		if err != nil {
			return nil, err
		}
		switch answer.Data.Status {
		case DeploymentStatusDeployed, DeploymentStatusFailed, DeploymentStatusCancelled, DeploymentStatusPurged:
			return &answer.Data, nil
		}
	}
}

// FollowOptions are what [Client.FollowLogs] can be told.
type FollowOptions struct {
	// Only lines after the one with this Seq.
	After int64
	// Is told when the server dropped lines.
	OnGap func()
}

// FollowLogs follows a deployment's log, line by line, until the deployment ends. A stream that breaks is opened again
// where it broke off: no line is missed, and none comes twice.
func (c *Client) FollowLogs(ctx context.Context, id int64, options FollowOptions) iter.Seq2[LogLine, error] {
	return func(yield func(LogLine, error) bool) {
		wait := newBackoff(streamAttempts)
		last := options.After
		take := func(event, data string) (isOver bool, err error) {
			switch event {
			case "end":
				return true, nil
			case "gap":
				if options.OnGap != nil {
					options.OnGap()
				}
			case "message":
				var line LogLine
				if err := json.Unmarshal([]byte(data), &line); err != nil {
					return true, fmt.Errorf("a line of the log: %w", err)
				}
				last = line.Seq
				wait.reset()
				return !yield(line, nil), nil
			}
			return false, nil
		}
		for {
			isOver, err := c.readLog(ctx, id, last, take)
			if isOver && err == nil {
				return
			}
			if !isOver {
				err = wait.after(ctx, err)
			}
			if err != nil {
				yield(LogLine{}, err)
				return
			}
		}
	}
}

// readLog hands events to take until one is the last; otherwise it returns why the stream broke off.
func (c *Client) readLog(ctx context.Context, id, last int64, take func(event, data string) (bool, error)) (bool, error) {
	path := "/api/v1/public/deployments/" + segment(id) + "/logs"
	options := []RequestOption{Header("Accept", "text/event-stream"), Header("Last-Event-ID", strconv.FormatInt(last, 10))}
	stream, err := c.open(ctx, "GET", path, nil, options)
	if err != nil {
		return false, err
	}
	defer stream.Close()
	reader := bufio.NewReader(stream)
	event, data := "", []string(nil)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return false, fmt.Errorf("the stream broke off: %w", err)
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			if event == "" {
				event = "message"
			}
			if event != "message" || len(data) > 0 {
				if isOver, err := take(event, strings.Join(data, "\n")); isOver {
					return true, err
				}
			}
			event, data = "", nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			event = value
		case "data":
			data = append(data, value)
		}
	}
}
