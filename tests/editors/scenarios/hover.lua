-- Hover on a finding opens a window that says what it is.

local POD = [[
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: api
      image: shop/api:1.0
      securityContext:
        privileged: true
]]

return function(session)
  session.start()
  local buffer = session.open('pod.yaml', POD)
  session.expect(buffer, 'C-0057', { 'privileged: true' })

  local windows = #vim.api.nvim_list_wins()
  vim.api.nvim_win_set_cursor(0, { 10, 12 })
  vim.lsp.buf.hover()
  session.wait('a window opens', function()
    return #vim.api.nvim_list_wins() > windows
  end)
  local shown
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      shown = session.text(vim.api.nvim_win_get_buf(window))
    end
  end
  for _, part in ipairs({ 'C-0057', 'rivileged' }) do
    assert(shown:find(part, 1, true), part .. ' is not in the hover: ' .. shown)
  end
end
