-- All that docs/editors.md says to write into init.lua, word for word: lenses and hints are there as soon as a file is.

local POD = [[
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsNonRoot: true
  containers:
    - name: api
      image: shop/api:1.0
      securityContext:
        privileged: true
]]

--- Run the blocks of Lua of the section about Neovim, in their order.
local function run_recipes()
  local blocks, block, inside = 0, nil, false
  for line in io.lines(vim.env.KSCAN_RECIPES) do
    if line:find('^## ') then
      inside = line == '## Neovim'
    elseif inside and line == '```lua' then
      block = {}
    elseif block and line == '```' then
      assert(loadstring(table.concat(block, '\n')))()
      blocks, block = blocks + 1, nil
    elseif block then
      table.insert(block, line)
    end
  end
  return blocks
end

--- The texts that are shown on a line and are not in the buffer.
local function shown(buffer, line)
  local texts = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buffer, -1, { line, 0 }, { line, -1 }, { details = true })) do
    for _, chunk in ipairs(mark[4].virt_text or {}) do
      table.insert(texts, chunk[1])
    end
  end
  return table.concat(texts)
end

return function(session)
  assert(run_recipes() >= 6, 'the recipes have moved')
  vim.g.mapleader = ' '
  local buffer = session.open('pod.yaml', POD)
  session.wait('a lens is shown, without a key', function()
    return shown(buffer, 0):find('%d+ high')
  end)
  session.wait('a hint is shown', function()
    -- they are drawn for a screen, and there is none
    return vim.inspect(vim.lsp.inlay_hint.get({ bufnr = buffer })):find('runAsNonRoot: true (from pod)', 1, true)
  end)

  local before = shown(buffer, 0)
  vim.api.nvim_win_set_cursor(0, { 12, 0 })
  session.press('dd')
  vim.api.nvim_exec_autocmds('TextChanged', { buffer = buffer }) -- what Neovim does as soon as it waits for a key
  session.wait('the lens follows an edit outside of insert mode', function()
    local now = shown(buffer, 0)
    return now ~= before and now:find('%d+ medium')
  end)
end
