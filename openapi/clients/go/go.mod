module github.com/miaobu/miaobu/openapi/clients/go

go 1.24
