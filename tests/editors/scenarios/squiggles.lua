-- A manifest is opened: each finding is marked at its very characters, and moves with them while one types.

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
    - name: proxy
      image: shop/proxy:1.0
      securityContext: {runAsUser: 7, privileged: true}
]]

return function(session)
  session.start()
  local buffer = session.open('pod.yaml', POD)
  session.expect(buffer, 'C-0057', { 'privileged: true', 'privileged: true' })

  local first, second = unpack(session.found(buffer, 'C-0057'))
  session.same({ first.lnum, first.col, first.end_lnum, first.end_col }, { 9, 8, 9, 24 }, 'place of the first')
  session.same({ second.lnum, second.col, second.end_col }, { 12, 38, 54 }, 'place of the second')
  session.same(first.severity, vim.diagnostic.severity.ERROR, 'severity')
  session.same(first.source, 'kscan', 'source')

  session.press('ggO# who runs this?<Esc>')
  session.wait('the finding moves down', function()
    local found = session.found(buffer, 'C-0057')
    return #found == 2 and found[1].lnum == 10 and found[2].lnum == 13
  end)

  session.press('11Gftcwfalse<Esc>') -- the t of true
  session.expect(buffer, 'C-0057', { 'privileged: true' })
  session.press('u')
  session.expect(buffer, 'C-0057', { 'privileged: true', 'privileged: true' })

  vim.cmd('bdelete!')
  session.wait('closing clears the diagnostics', function()
    return #vim.diagnostic.get() == 0
  end)
end
