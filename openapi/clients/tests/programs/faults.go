package main

import (
	"context"
	"fmt"
	"log"
	"os"

	miaobu "github.com/miaobu/miaobu/openapi/clients/go"
)

func refused(_ any, err error) *miaobu.ProblemError {
	problem, ok := miaobu.AsProblem(err)
	if !ok {
		log.Fatalf("it was not refused: %v", err)
	}
	return problem
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	ctx := context.Background()
	url := os.Getenv("MIAOBU_URL")
	client := miaobu.New(url, miaobu.WithToken("secret"))

	fmt.Println("made", must(client.CreateProject(ctx, miaobu.NewProject{Slug: "flaky"})).Data.Slug)

	fmt.Print("sites")
	for project, err := range miaobu.Pages(func(cursor string) (*miaobu.ProjectPage, error) {
		return client.ListProjects(ctx, miaobu.ListProjectsParams{Cursor: cursor})
	}) {
		fmt.Print(" ", must(project, err).Slug)
	}
	fmt.Print("\nlines")
	gaps := 0
	for line, err := range client.FollowLogs(ctx, 7, miaobu.FollowOptions{OnGap: func() { gaps++ }}) {
		fmt.Print(" ", must(line, err).Seq)
	}
	fmt.Println("\ngaps", gaps)

	missing := refused(client.GetProject(ctx, "café/bar"))
	fmt.Println("problem", missing.Status, missing.Code, missing.RequestID)
	field := refused(client.CreateProject(ctx, miaobu.NewProject{Slug: "api"})).Errors[0]
	fmt.Println("field", field.Pointer, field.Code)
	proxy := refused(miaobu.New(url, miaobu.WithToken("secret"), miaobu.WithAttempts(2)).GetUser(ctx))
	fmt.Println("proxy", proxy.Status, proxy.Code)

	must(client.UpdateProject(ctx, "flaky", miaobu.ProjectPatch{Settings: miaobu.Set(miaobu.SettingsPatch{
		NotFound:     miaobu.Clear[miaobu.NotFoundHandling](),
		HTMLHandling: miaobu.Set(miaobu.HTMLHandlingDrop),
	})}, miaobu.IfMatch(`"v1"`)))
	fmt.Println("uploaded", must(client.DeployFolder(ctx, "flaky", os.DirFS("dist"), miaobu.NewDeployment{})).Status)
	fmt.Println("waited", must(client.WaitForDeployment(ctx, 7)).Status)
}
