-- The keys of docs/editors.md fix all that is safe, or everything, in one step that undo takes back.

local POD = [[
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  serviceAccount: web # since the beginning
  containers:
    - name: api
      image: shop/api:1.0
      securityContext:
        privileged: true
    - name: proxy
      image: shop/proxy:1.0
      securityContext: {runAsUser: 7, privileged: true}
]]

local function fix_all(kind)
  return function()
    vim.lsp.buf.code_action({ context = { only = { kind }, diagnostics = {} }, apply = true })
  end
end
vim.keymap.set('n', '<leader>kf', fix_all('source.fixAll.kscan'))
vim.keymap.set('n', '<leader>kF', fix_all('source.kscan.fixAll'))

return function(session)
  session.start()
  local buffer = session.open('pod.yaml', POD)
  session.expect(buffer, 'C-0057', { 'privileged: true', 'privileged: true' })
  local before = session.text(buffer)

  session.press('\\kf')
  session.expect(buffer, 'C-0294', {})
  session.expect(buffer, 'C-0057', { 'privileged: true', 'privileged: true' })
  assert(session.text(buffer):find('serviceAccountName: web', 1, true), session.text(buffer))

  session.press('\\kF')
  session.expect(buffer, 'C-0057', {})
  session.expect(buffer, 'C-0016', {})
  session.same(#session.found(buffer, 'C-0271'), 2, 'what needs a choice is left')

  session.press('uu')
  session.same(session.text(buffer), before, 'text after undo')
  session.expect(buffer, 'C-0057', { 'privileged: true', 'privileged: true' })
end
