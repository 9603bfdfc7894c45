import { Page } from '../ui'

export function Quarantine() {
  return <Page title="Quarantine">{null}</Page>
}
