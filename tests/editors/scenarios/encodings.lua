-- Emoji and accents before a range: whatever the client and the server count in, the same characters are marked.

local POD = [[
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - {name: api, image: "shop/🚀é", securityContext: {privileged: true}}
]]

return function(session)
  for _, encoding in ipairs({ 'utf-16', 'utf-8', 'utf-32' }) do
    session.start({ capabilities = { general = { positionEncodings = { encoding } } } })
    local buffer = session.open(encoding .. '.yaml', POD)
    session.expect(buffer, 'C-0057', { 'privileged: true' })
    session.same(vim.lsp.get_clients({ bufnr = buffer })[1].offset_encoding, encoding, 'encoding in use')

    session.press('7Gf🚀i🚀🚀<Esc>')
    session.expect(buffer, 'C-0057', { 'privileged: true' })
    session.act(buffer, session.found(buffer, 'C-0057')[1], '[C-0057]')
    session.expect(buffer, 'C-0057', {})
    local expected = POD:gsub('🚀', '🚀🚀🚀'):gsub('privileged: true', 'privileged: false')
    session.same(session.text(buffer) .. '\n', expected, 'text after the fix')

    vim.lsp.enable('kscan', false)
    vim.cmd('bdelete!')
    session.wait('the server has ended', function()
      return #vim.lsp.get_clients() == 0
    end)
  end
end
