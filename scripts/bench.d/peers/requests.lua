-- Sends the requests of a file in turn, "path TAB tag" a line, where a tag is one that the client has already.
local requests = {}
local last = 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local path, tag = line:match("^(.-)\t(.*)$")
    local headers = { Host = "bench.example" }
    if tag ~= "" then headers["If-None-Match"] = tag end
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
  last = math.random(#requests)
end

function request()
  last = last % #requests + 1
  return requests[last]
end
