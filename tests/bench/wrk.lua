-- Asks for random paths of a file, one a line, and looks into every answer.
-- wrk -s wrk.lua URL -- FILE EXPECTED COUNT: each body has to contain the text EXPECTED, COUNT times.

local paths, expected, count = {}, "", 1
local threads = {}

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

function init(args)
  for line in io.lines(args[1]) do
    paths[#paths + 1] = wrk.format("GET", line)
  end
  expected, count = args[2], tonumber(args[3])
  math.randomseed(os.time() * 100 + number)
  wrong, sample = 0, ""
end

function request()
  return paths[math.random(#paths)]
end

function response(status, headers, body)
  local found, at = 0, 1
  while found < count do
    local from, to = string.find(body, expected, at, true)
    if from == nil then
      break
    end
    found, at = found + 1, to + 1
  end
  if status ~= 200 or found < count then
    wrong = wrong + 1
    sample = status .. " " .. string.sub(body, 1, 200)
  end
end

function done(summary, latency, requests)
  local wrong_total, first = 0, ""
  for _, thread in ipairs(threads) do
    wrong_total = wrong_total + thread:get("wrong")
    if first == "" then
      first = thread:get("sample")
    end
  end
  local errors = summary.errors
  io.write(string.format("result %d %d %d %d %d %d %s\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), wrong_total,
    errors.connect + errors.read + errors.write + errors.timeout, (string.gsub(first, "%s+", " "))))
end
