-- An image that a real scanner scans in the background: squiggle, table, lens, the list of all, and once more on request.
-- The workspace has the image as an archive; see test_neovim.py.

local POD = [[
apiVersion: v1
kind: Pod
metadata:
  name: shop
spec:
  containers:
    - name: shop
      image: registry.example/shop:1.0
]]

--- Run the recipe for the list of all vulnerabilities as docs/editors.md has it.
local function run_recipe()
  local inside, block = false, nil
  for line in io.lines(vim.env.KSCAN_RECIPES) do
    if line == '### Vulnerabilities of images' then
      inside = true
    elseif inside and line:find('^### ') then
      return
    elseif inside and line == '```lua' then
      block = {}
    elseif block and line == '```' then
      assert(loadstring(table.concat(block, '\n')))()
      block = nil
    elseif block then
      table.insert(block, line)
    end
  end
end

return function(session)
  run_recipe()
  session.start({ init_options = { codeLens = true } })
  local buffer = session.open('pod.yaml', POD)
  session.expect(buffer, 'KS-0060', { 'image: registry.example/shop:1.0' })
  local worst = session.found(buffer, 'KS-0060')[1]
  assert(worst.message:find('1 critical; 1 has a fix', 1, true), worst.message)

  vim.api.nvim_win_set_cursor(0, { 8, 14 })
  local windows = #vim.api.nvim_list_wins()
  vim.lsp.buf.hover()
  session.wait('a window opens', function()
    return #vim.api.nvim_list_wins() > windows
  end)
  local shown = ''
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      shown = session.text(vim.api.nvim_win_get_buf(window))
      vim.api.nvim_win_close(window, true)
    end
  end
  for _, part in ipairs({ 'CVE-2026-0001', 'openssl', '3.1.4-r0', '3.1.5-r0' }) do
    assert(shown:find(part, 1, true), part .. ' is not in the hover: ' .. shown)
  end

  vim.lsp.codelens.refresh({ bufnr = buffer })
  session.wait('the lens of the image says what is known', function()
    return vim.iter(vim.lsp.codelens.get(buffer)):any(function(lens)
      return lens.command and lens.command.title:find('^1 critical; 1 has a fix')
    end)
  end)

  session.act(buffer, worst, 'Show all 1 vulnerability')
  session.wait('a text with all of them opens', function()
    return vim.bo.filetype == 'markdown'
  end)
  local text = session.text(0)
  assert(text:find('| critical | CVE-2026-0001 | openssl | 3.1.4-r0 | 3.1.5-r0 |', 1, true), text)
  vim.cmd.bwipeout()

  session.act(buffer, worst, 'Scan image again')
  session.expect(buffer, 'KS-0060', { 'image: registry.example/shop:1.0' })
end
