-- After saving, the editor shows what `kscan scan` says about the file.

local POD = [[
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: api
      image: "shop/🚀é"
      securityContext:
        privileged: true
]]

local function scanned(name)
  local command = vim.json.decode(vim.env.KSCAN_COMMAND)
  command[#command] = 'scan' -- in place of 'lsp'
  local done = vim.system(vim.list_extend(command, { '--format', 'json', name }), { text = true }):wait()
  local found = {}
  for _, finding in ipairs(vim.json.decode(done.stdout).findings) do
    table.insert(found, ('%s:%d'):format(finding.control, finding.range.start.line))
  end
  table.sort(found)
  return found
end

return function(session)
  session.start()
  local buffer = session.open('pod.yaml', POD)
  session.expect(buffer, 'C-0057', { 'privileged: true' })
  local function shown()
    local found = {}
    for _, diagnostic in ipairs(vim.diagnostic.get(buffer)) do
      table.insert(found, ('%s:%d'):format(diagnostic.code, diagnostic.lnum + 1))
    end
    table.sort(found)
    return found
  end

  for _, keys in ipairs({ 'ggO# who runs this?<Esc>', 'Gdd', 'Go<C-u>  hostNetwork: true<Esc>' }) do
    session.press(keys)
    vim.cmd('silent write')
    local expected = scanned('pod.yaml')
    session.wait('the editor shows ' .. vim.inspect(expected), function()
      return vim.deep_equal(shown(), expected)
    end)
  end
  session.expect(buffer, 'C-0057', {})
  session.expect(buffer, 'C-0041', { 'hostNetwork: true' })
end
