-- wrk ... -- FILE LINES REQUESTS: posts the lines of FILE, LINES in a request, and begins again after REQUESTS of them.
local requests, at = {}, 0

function init(arguments)
  local lines, per_request, count = io.lines(arguments[1]), tonumber(arguments[2]), tonumber(arguments[3])
  local headers = { ["Content-Type"] = per_request == 1 and "application/json" or "application/x-ndjson" }
  for number = 1, count do
    local body = {}
    for line = 1, per_request do body[line] = assert(lines(), "the file has too few lines") end
    requests[number] = wrk.format("POST", "/events", headers, table.concat(body, "\n"))
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
