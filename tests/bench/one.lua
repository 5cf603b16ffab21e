-- For wrk: the same request again and again, each answer held against its length. METHOD, URLPATH, BODY: file; LOGIN: value of Authorization, or "".
local file = assert(io.open(os.getenv("BODY"), "rb"))
local body = file:read("*a")
file:close()
local length = tonumber(os.getenv("LENGTH"))
wrk.method = os.getenv("METHOD")
wrk.headers["Content-Type"] = "text/xml; charset=utf-8"
wrk.headers["Depth"] = "1"
if os.getenv("LOGIN") ~= "" then wrk.headers["Authorization"] = os.getenv("LOGIN") end
wrong = 0

function setup(t)
	thread = t
end

function init(args)
	text = wrk.format(nil, os.getenv("URLPATH"), nil, body)
end

function request()
	return text
end

function response(status, headers, answer)
	-- What an answer says about itself (its time, an id) may be a little longer or shorter.
	if (status ~= 200 and status ~= 207) or math.abs(#answer - length) > 100 then wrong = wrong + 1 end
end

function done(summary, latency, all)
	local e = summary.errors
	io.write(string.format("RESULT %d %d %.1f %d\n", summary.requests, summary.duration, latency:percentile(50),
		e.connect + e.read + e.write + thread:get("wrong")))
end
