-- wrk --threads N --connections N ... URI -- TABLES...: each thread commits to a table of its own (or to one that it shares, when there are fewer), one request
-- after another. Prints "committed COUNT, refused COUNT" at the end.
local threads = {}

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  path = wrk.path:gsub("/$", "") .. "/v1/namespaces/bench/tables/" .. arguments[number % #arguments + 1]
  asked, committed, refused, failed = 0, 0, 0, nil
end

function request()
  asked = asked + 1
  local body = '{"requirements": [], "updates": [{"action": "set-properties", "updates": {"client.' .. number .. '": "' .. asked .. '"}}]}'
  return wrk.format("POST", path, { ["Content-Type"] = "application/json" }, body)
end

-- What Apache's fixture says when its SQLite file is locked, and when another commit let the version expire that it was about to read.
function refusal(status, body)
  return (status == 500 and body:find("SQLITE_BUSY", 1, true)) or (status == 404 and body:find("Failed to read file", 1, true))
end

function response(status, headers, body)
  if status == 200 then
    committed = committed + 1
  elseif status == 409 or status == 503 or refusal(status, body) then
    refused = refused + 1
  else
    failed = status .. " " .. body
  end
end

function done()
  local all, lost = 0, 0
  for _, thread in ipairs(threads) do
    all, lost = all + thread:get("committed"), lost + thread:get("refused")
    local why = thread:get("failed")
    if why then print("failed: " .. why) end
  end
  print(string.format("committed %d, refused %d", all, lost))
end
